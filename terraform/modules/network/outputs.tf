output "endpoint_id" {
  description = "The endpoint, for policies that ask for it (aws:SourceVpce)."
  value       = aws_vpc_endpoint.s3.id
}
