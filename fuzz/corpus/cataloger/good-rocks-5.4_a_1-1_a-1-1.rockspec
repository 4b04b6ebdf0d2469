rocks-5.4/a/1-1/a-1-1.rockspec
package = 'a'
dependencies = { 'lua >= 5.1', 'a' }
