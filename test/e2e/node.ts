import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchNode, type NodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freePorts } from "../../lib/infra/ports";
import type { Command } from "../../lib/infra/processes";
import { commandOf } from "../compiled";
import { eventually } from "../integration/node";
import { Shop } from "./shop";

/** One embedded shop as a process of its own, on a folder and ports that outlive it. */
export interface Place {
  dataDir: string;
  ports: NodePorts;
  shop: Shop;
  /** Starts the process; ready when this resolves. */
  start(env?: Record<string, string>): Promise<ShopNode>;
  remove(): void;
}

interface PlaceOptions {
  /** What to run, for those to whom it matters; default what starts soonest. */
  command?: Command;
  /** It begins with what is there; nothing may run there. */
  from?: Place;
}

export async function newPlace({ command = commandOf("bin/start"), from }: PlaceOptions = {}): Promise<Place> {
  const [http = 0, ops = 0, sandbox = 0] = await freePorts(3);
  const ports = { http, ops, sandbox };
  const dataDir = mkdtempSync(join(tmpdir(), "shop-e2e-"));
  if (from) cpSync(from.dataDir, dataDir, { recursive: true });
  return {
    dataDir,
    ports,
    shop: new Shop(`http://127.0.0.1:${http}`),
    async start(env = {}) {
      // Nobody comes by another way than the test: a node that is told to end need not wait for those who do.
      const settings = { DATA_DIR: dataDir, DRAIN_MS: "0", LOG_LEVEL: "warn", RATE_LIMIT: "off", NODE_ENV: "test" };
      const servers = { NATS_URL: undefined, MONGO_URL: undefined, REDIS_URL: undefined, KAFKA_BROKERS: undefined };
      const node = launchNode({ name: "shop", ports, command, env: { ...servers, ...settings, ...env } as never });
      await node.ready();
      return node;
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** Has the demo accounts already: they are made by the steps of any other, of which a node may be to die. */
export async function placeWithAccounts(): Promise<Place> {
  const place = await newPlace();
  const node = await place.start();
  for (const demo of ["customer", "agent", "admin"])
    await eventually(() => place.shop.login(`${demo}@example.com`, "demo-password-1234").catch(() => undefined));
  await node.stop();
  return place;
}
