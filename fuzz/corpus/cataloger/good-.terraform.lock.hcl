.terraform.lock.hcl
provider "a/b/c" {
  version = "1"
  hashes = [
    "zh:0",
  ]
}
