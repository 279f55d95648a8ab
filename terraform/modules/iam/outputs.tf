output "role_arn" {
  description = "The brokers' role."
  value       = aws_iam_role.broker.arn
}

output "helm_values" {
  description = "Values of the chart: the service account, with its role's annotation when that is how it is found (IRSA)."
  value = {
    serviceAccount = {
      name        = var.service_account
      annotations = { for arn in var.oidc_provider_arn == null ? [] : [aws_iam_role.broker.arn] : "eks.amazonaws.com/role-arn" => arn }
    }
  }
}
