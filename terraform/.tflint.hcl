plugin "terraform" {
  enabled = true
  preset  = "all"
}

# A module's version is this repository's.
rule "terraform_module_pinned_source" {
  enabled = false
}
