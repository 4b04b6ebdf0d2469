FROM a
RUN x \   
  y \	
  z
USER 1
