FROM a
RU\
N x
US\
ER 1
