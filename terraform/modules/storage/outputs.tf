output "bucket_arn" {
  description = "For the module iam."
  value       = aws_s3_bucket.this.arn
}

output "prefix" {
  description = "For the module iam."
  value       = var.prefix
}

output "kms_key_arn" {
  description = "For the module iam."
  value       = var.kms_key_arn
}

output "helm_values" {
  description = "Values of the chart: where objects are."
  value = {
    objectStore = {
      url    = "s3://${aws_s3_bucket.this.id}/${var.prefix}"
      region = aws_s3_bucket.this.region
    }
  }
}
