/** A bare Fastify that answers a POST with its body: the limit of any service on it. */
import Fastify from "fastify";

const app = Fastify();
app.post("/", (request) => request.body);
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
