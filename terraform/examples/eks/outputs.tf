# terraform output -raw helm_values > values.yaml; helm install alluvium helm/alluvium -n kafka -f values.yaml --set etcd.endpoints=…
output "helm_values" {
  description = "Values file of the chart."
  value       = yamlencode(merge(module.storage.helm_values, module.iam.helm_values, module.eks.helm_values))
}
