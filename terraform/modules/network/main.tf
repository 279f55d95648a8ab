# A gateway endpoint of S3: without it all that is written and read goes through a NAT gateway, which is billed by the byte. It is free.
# It allows what S3 allows (no policy of its own): nodes pull images through it too, from buckets of AWS.

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = var.vpc_id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.route_table_ids
  tags              = var.tags
}
