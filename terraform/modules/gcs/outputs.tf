output "access_key_id" {
  description = "For the secret that the chart's objectStore.existingSecret names."
  value       = google_storage_hmac_key.broker.access_id
}

output "secret_access_key" {
  description = "For the same secret."
  value       = google_storage_hmac_key.broker.secret
  sensitive   = true
}

output "helm_values" {
  description = "Values of the chart: where objects are."
  value = {
    objectStore = {
      url      = "s3://${google_storage_bucket.this.name}/${var.prefix}"
      endpoint = "https://storage.googleapis.com"
      region   = "auto"
    }
  }
}
