variable "vpc_id" {
  description = "The VPC of the brokers."
  type        = string
}

variable "region" {
  description = "Its region."
  type        = string
}

variable "route_table_ids" {
  description = "Route tables of the brokers' subnets."
  type        = list(string)
}

variable "tags" {
  description = "Tags of the endpoint."
  type        = map(string)
  default     = {}
}
