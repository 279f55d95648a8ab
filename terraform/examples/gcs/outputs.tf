output "helm_values" {
  description = "Values file of the chart; the HMAC key goes into a secret that objectStore.existingSecret names."
  value       = yamlencode(module.store.helm_values)
}
