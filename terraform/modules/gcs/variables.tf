variable "project" {
  description = "The project."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "location" {
  description = "Where it lies: the brokers' region."
  type        = string
}

variable "prefix" {
  description = "Prefix of the cluster's objects in the bucket, without slashes at its ends."
  type        = string
  default     = "alluvium"
}

variable "account_id" {
  description = "Name of the brokers' service account."
  type        = string
  default     = "alluvium"
}

variable "kms_key_name" {
  description = "Key to encrypt objects with; null: Google's own."
  type        = string
  default     = null
}

variable "abort_incomplete_uploads_after_days" {
  description = "When the remains of uploads that never ended are removed. Nothing else expires."
  type        = number
  default     = 7
}
