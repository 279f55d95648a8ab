# A bucket of Google Cloud Storage for brokers.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0"
    }
  }
}

provider "google" {
  project = var.project
}

module "store" {
  source   = "../../modules/gcs"
  project  = var.project
  bucket   = var.bucket
  location = var.location
}
