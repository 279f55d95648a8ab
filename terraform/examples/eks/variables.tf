variable "region" {
  description = "Region of cluster and bucket."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket to make."
  type        = string
}

variable "cluster_name" {
  description = "The EKS cluster."
  type        = string
}

variable "oidc_provider_arn" {
  description = "Its OIDC provider."
  type        = string
}

variable "oidc_issuer" {
  description = "That provider's issuer without https://."
  type        = string
}

variable "vpc_id" {
  description = "Its VPC."
  type        = string
}

variable "route_table_ids" {
  description = "Route tables of the brokers' subnets."
  type        = list(string)
}

variable "subnets" {
  description = "Subnet by zone."
  type        = map(string)
}

variable "node_role_arn" {
  description = "Role of the nodes."
  type        = string
}
