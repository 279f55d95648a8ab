variable "project" {
  description = "The project."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket to make."
  type        = string
}

variable "location" {
  description = "The brokers' region."
  type        = string
}
