

# a comment
   # an indented one
FROM debian:12


  RUN true
	# tab
	USER 1
