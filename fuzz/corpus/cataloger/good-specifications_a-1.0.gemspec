specifications/a-1.0.gemspec
s.name = 'a'
s.version = '1.0'
s.add_dependency('a')
