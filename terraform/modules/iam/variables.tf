variable "name" {
  description = "Name of the role and its policy."
  type        = string
  default     = "alluvium"
}

variable "bucket_arn" {
  description = "The bucket (module storage)."
  type        = string
}

variable "prefix" {
  description = "The cluster's prefix in it (module storage)."
  type        = string
}

variable "kms_key_arn" {
  description = "The bucket's key, if it has one of its own."
  type        = string
  default     = null
}

variable "namespace" {
  description = "Namespace of the brokers."
  type        = string
}

variable "service_account" {
  description = "Their service account; the chart's is called as the release when that contains alluvium, else RELEASE-alluvium."
  type        = string
}

variable "oidc_provider_arn" {
  description = "The EKS cluster's OIDC provider, for roles by service account (IRSA); null when pod identity is used."
  type        = string
  default     = null
}

variable "oidc_issuer" {
  description = "That provider's issuer without https://."
  type        = string
  default     = null
}

variable "pod_identity_cluster" {
  description = "Name of an EKS cluster with the pod identity agent, instead of IRSA."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of role and policy."
  type        = map(string)
  default     = {}
}
