variable "cluster_name" {
  description = "The EKS cluster."
  type        = string
}

variable "name" {
  description = "Beginning of the node groups' names."
  type        = string
  default     = "alluvium"
}

variable "subnets" {
  description = "Subnet by zone, such as {a = \"subnet-…\"}: a node group each, so that zones grow alike."
  type        = map(string)
}

variable "node_role_arn" {
  description = "Role of the nodes."
  type        = string
}

variable "instance_types" {
  description = "Types with NVMe of their own."
  type        = list(string)
  default     = ["i4i.xlarge"]
}

variable "ami_type" {
  description = "An AL2023 image for the types' architecture: nodeadm sets the disks up."
  type        = string
  default     = "AL2023_x86_64_STANDARD"

  validation {
    condition     = startswith(var.ami_type, "AL2023_")
    error_message = "Only images of Amazon Linux 2023 have nodeadm."
  }
}

variable "nodes_per_zone" {
  description = "Nodes of each group: at the least, at first, at most."
  type = object({
    min     = number
    desired = number
    max     = number
  })
  default = { min = 1, desired = 1, max = 3 }
}

variable "wal" {
  description = "ephemeral: disks hold the nodes' emptyDirs, and a WAL goes with its pod. local_volumes: disks are mounted for a provisioner of local volumes, which you install with a storage class local-nvme."
  type        = string
  default     = "ephemeral"

  validation {
    condition     = contains(["ephemeral", "local_volumes"], var.wal)
    error_message = "ephemeral or local_volumes."
  }
}

variable "tags" {
  description = "Tags of groups, launch template and machines."
  type        = map(string)
  default     = {}
}
