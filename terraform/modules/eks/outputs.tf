output "helm_values" {
  description = "Values of the chart: brokers go to these nodes, one a node, and their WALs to these disks."
  value = {
    wal = {
      type         = var.wal == "ephemeral" ? "ephemeral" : "persistent"
      storageClass = var.wal == "ephemeral" ? "" : "local-nvme"
    }
    spread = {
      nodes = "required"
    }
    pod = {
      nodeSelector = { "alluvium.dev/wal" = "nvme" }
      tolerations  = [{ key = "alluvium.dev/wal", operator = "Equal", value = "nvme", effect = "NoSchedule" }]
    }
  }
}
