# Google Cloud Storage through its S3-compatible interface: a bucket, an account that may use one prefix of it, and its HMAC key.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_78:The broker never writes a name twice, and retention deletes what it must: versions would keep, and bill, all of it.
  #checkov:skip=CKV_GCP_62:Access logs of a log's own store are a choice of the project's owner.
  project                     = var.project
  name                        = var.bucket
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = var.abort_incomplete_uploads_after_days
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key_name == null ? [] : [var.kms_key_name]

    content {
      default_kms_key_name = encryption.value
    }
  }

  # Retention deletes all day long: a copy of everything for a week would be billed.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_service_account" "broker" {
  project      = var.project
  account_id   = var.account_id
  display_name = "Alluvium brokers"
}

resource "google_project_iam_custom_role" "broker" {
  project     = var.project
  role_id     = replace("${var.account_id}_store", "-", "_")
  title       = "Store of Alluvium brokers"
  description = "What a broker does with objects"
  permissions = [
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
  ]
}

resource "google_storage_bucket_iam_member" "broker" {
  bucket = google_storage_bucket.this.name
  role   = google_project_iam_custom_role.broker.id
  member = "serviceAccount:${google_service_account.broker.email}"

  # Listing is asked of the bucket, or of what is named like it.
  condition {
    title      = "prefix"
    expression = <<-EOT
      resource.name.startsWith("projects/_/buckets/${var.bucket}/objects/${var.prefix}/") ||
      resource.name == "projects/_/buckets/${var.bucket}"
    EOT
  }
}

resource "google_storage_hmac_key" "broker" {
  project               = var.project
  service_account_email = google_service_account.broker.email
}
