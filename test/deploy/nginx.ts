import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { answers, freePorts, until } from "../../lib/infra/ports";
import { type Launched, launch } from "../../lib/infra/processes";
import { commandOf } from "./tools";

export interface Nginx extends Launched {
  url: string;
}

const COMPOSE = "deploy/nginx/upstreams.conf";
export const KUBERNETES = ["deploy/k8s/base/balancer/upstreams.conf", "deploy/k8s/base/balancer/sandbox.conf"];

/** The upstreams with addresses instead of names, which a server elsewhere has no DNS for. */
function upstreams(file: string, gateways: readonly number[]): string {
  const text = readFileSync(file, "utf8")
    .replace(/^resolver .*$/m, "")
    // Here whoever asks is on this machine.
    .replace("set_real_ip_from 10.0.0.0/8;", "set_real_ip_from 10.0.0.0/8; set_real_ip_from 127.0.0.0/8;")
    .replace(/^ +server payment:\d+ .*$/m, "  server 127.0.0.1:1;");
  const [, server, options] = /^( +server) \S+ resolve (.*)$/m.exec(text) ?? [];
  if (!server) return text;
  const places = gateways.map((port) => `${server} 127.0.0.1:${port} ${options}`).join("\n");
  return text.replace(/^ +server \S+ resolve .*$/gm, places);
}

/** A real nginx with the deployed configuration, by default Compose's, on free ports and a folder of its own. */
export async function startNginx(gateways: readonly number[], upstreamFiles = [COMPOSE]): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "shop-nginx-"));
  const [port = 0, sandbox = 0] = await freePorts(2);
  mkdirSync(join(folder, "upstreams.d"));
  const text = readFileSync("deploy/nginx/nginx.conf", "utf8")
    .replaceAll(" /tmp/", ` ${folder}/`)
    // Here it is a socket, which cannot be opened by its name.
    .replace("/dev/stdout", join(folder, "access.log"))
    .replaceAll("/etc/nginx/upstreams.d", join(folder, "upstreams.d"))
    .replace("listen 3000;", `listen 127.0.0.1:${port};`)
    .replace("listen 3002;", `listen 127.0.0.1:${sandbox};`);
  writeFileSync(join(folder, "nginx.conf"), text);
  for (const file of upstreamFiles)
    writeFileSync(join(folder, "upstreams.d", basename(file)), upstreams(file, gateways));
  const [command = "nginx"] = commandOf("nginx") ?? [];
  const user = process.getuid?.() === 0 ? " user root;" : "";
  const args = ["-p", folder, "-c", join(folder, "nginx.conf"), "-g", `daemon off;${user}`];
  const nginx = launch({ name: "nginx", command, args });
  void nginx.exited.then(() => rmSync(folder, { recursive: true }));
  await until("nginx", async () => {
    if (!nginx.running) throw new Error(nginx.output());
    return answers(port);
  });
  return Object.assign(nginx, { url: `http://127.0.0.1:${port}` });
}
