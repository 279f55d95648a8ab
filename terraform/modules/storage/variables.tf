variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "prefix" {
  description = "Prefix of the cluster's objects in the bucket, without slashes at its ends. One for each cluster."
  type        = string
  default     = "alluvium"

  validation {
    condition     = can(regex("^[^/].*[^/]$", var.prefix))
    error_message = "No slash at either end, and two characters at least."
  }
}

variable "kms_key_arn" {
  description = "Key to encrypt objects with; null: the store's own (AES-256). Every flush then costs a request to KMS, lowered by a bucket key."
  type        = string
  default     = null
}

variable "abort_incomplete_uploads_after_days" {
  description = "When the remains of uploads that never ended are removed. Nothing else expires: the broker deletes what it no longer needs."
  type        = number
  default     = 7
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
}
