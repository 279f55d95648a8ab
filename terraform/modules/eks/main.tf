# Nodes with NVMe for brokers' WALs, a group for each zone.

locals {
  node_config = {
    apiVersion = "node.eks.aws/v1alpha1"
    kind       = "NodeConfig"
    spec = {
      instance = {
        localStorage = {
          strategy = var.wal == "ephemeral" ? "RAID0" : "Mount"
        }
      }
    }
  }
}

resource "aws_launch_template" "nodes" {
  name_prefix = "${var.name}-"
  tags        = var.tags

  user_data = base64encode(join("\n", [
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"//\"",
    "",
    "--//",
    "Content-Type: application/node.eks.aws",
    "",
    yamlencode(local.node_config),
    "--//--",
  ]))

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
    # Pods on their own network can't reach the node's credentials.
    http_put_response_hop_limit = 1
  }

  tag_specifications {
    resource_type = "instance"
    tags          = var.tags
  }
}

resource "aws_eks_node_group" "zone" {
  for_each = var.subnets

  cluster_name    = var.cluster_name
  node_group_name = "${var.name}-${each.key}"
  node_role_arn   = var.node_role_arn
  subnet_ids      = [each.value]
  instance_types  = var.instance_types
  ami_type        = var.ami_type
  tags            = var.tags

  labels = {
    "alluvium.dev/wal" = "nvme"
  }

  taint {
    key    = "alluvium.dev/wal"
    value  = "nvme"
    effect = "NO_SCHEDULE"
  }

  launch_template {
    id      = aws_launch_template.nodes.id
    version = aws_launch_template.nodes.latest_version
  }

  scaling_config {
    min_size     = var.nodes_per_zone.min
    desired_size = var.nodes_per_zone.desired
    max_size     = var.nodes_per_zone.max
  }

  update_config {
    max_unavailable = 1
  }

  lifecycle {
    # An autoscaler's number stays.
    ignore_changes = [scaling_config[0].desired_size]
  }
}
