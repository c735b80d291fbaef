import { readFileSync } from "node:fs";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";

/** The yardstick: moleculer-web as it comes, one route, one action that answers a ready object. `bare.ts PORT FILE`. */
const [, , port = "0", file = ""] = process.argv;
const answer: unknown = JSON.parse(readFileSync(file, "utf8"));

const broker = new ServiceBroker({ logger: false });
broker.createService({ name: "bare", actions: { get: { handler: () => answer } } });
broker.createService({
  name: "api",
  mixins: [ApiGateway as unknown as Partial<ServiceSchema>],
  settings: {
    port: Number(port),
    routes: [{ path: "/", aliases: { "GET /bare": "bare.get" }, mappingPolicy: "restrict", logging: false }],
  } as object,
});
void broker.start();
