// `node -r loopback.cjs`: whatever address a server asks for, it listens on 127.0.0.1.
const { Server } = require("node:net");
const { listen } = Server.prototype;
Server.prototype.listen = function (first, ...rest) {
  const callback = rest.find((one) => typeof one === "function");
  const port = Number(typeof first === "object" && first !== null ? first.port : first);
  return listen.call(this, { port, host: "127.0.0.1" }, callback);
};
