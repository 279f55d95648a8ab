# All of AWS for one cluster of brokers in an EKS cluster that exists. etcd is not part of it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

provider "aws" {
  region = var.region
}

module "storage" {
  source = "../../modules/storage"
  bucket = var.bucket
}

module "iam" {
  source            = "../../modules/iam"
  bucket_arn        = module.storage.bucket_arn
  prefix            = module.storage.prefix
  kms_key_arn       = module.storage.kms_key_arn
  namespace         = "kafka"
  service_account   = "alluvium"
  oidc_provider_arn = var.oidc_provider_arn
  oidc_issuer       = var.oidc_issuer
}

module "network" {
  source          = "../../modules/network"
  vpc_id          = var.vpc_id
  region          = var.region
  route_table_ids = var.route_table_ids
}

module "eks" {
  source        = "../../modules/eks"
  cluster_name  = var.cluster_name
  subnets       = var.subnets
  node_role_arn = var.node_role_arn
}
