/** A bare Fastify that answers GETs with the body it was given, from memory or from a file: the limit of any hit. */
import { createReadStream, readFileSync, statSync } from "node:fs";
import Fastify from "fastify";

const [file = "", type = "application/octet-stream"] = process.argv.slice(2);
const body = statSync(file).size < 2 ** 20 ? readFileSync(file) : undefined;
const app = Fastify();
app.get("/", (_request, reply) => reply.type(type).send(body ?? createReadStream(file)));
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
