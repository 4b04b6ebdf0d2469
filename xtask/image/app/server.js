const express = require("express");
const { startCase } = require("lodash");

const app = express();
app.get("/", (_request, response) => response.send(startCase("in harbour")));
app.listen(8080);
