import { writeSync } from "node:fs";
import { LiveLevels } from "../../mixins/live-levels";
import { Cluster } from "./config.parts";
import { eventually } from "./node";

/** A node with `config` and a lamp in a process of its own: does `STORY` on `DATA_DIR`, and may be killed at `CRASH_AT`. */
const stories: Record<string, (node: Awaited<ReturnType<Cluster["one"]>>) => Promise<void>> = {
  async change(node) {
    writeSync(1, "{}");
    await node.put("lamp", { "lamp.brightness": 1 });
    await node.put("lamp", { "lamp.brightness": 2, "lamp.socket": 2 });
  },

  async secret(node) {
    const SECRET = process.env.SECRET ?? "";
    await node.put("lamp", { "lamp.password": SECRET });
    await eventually(() => node.lamp.password === SECRET);
    await node.put("lamp", { "lamp.password": `${SECRET}!`, "log.level": "loud" }).catch(() => undefined);
    await node.rollback(0);
    await eventually(() => node.lamp.password === "");
  },

  async levels(node) {
    const [lamp, others] = [node.broker.getLogger("lamp"), node.broker.getLogger("others")];
    const say = (when: string) => {
      lamp.debug(`lamp-${when}`);
      others.debug(`others-${when}`);
    };
    say("before");
    await node.put("lamp", { "log.level": "debug", "lamp.brightness": 1 });
    await eventually(() => node.lamp.brightness === 1);
    say("of-one");
    await node.put("application", { "log.level": "debug", "lamp.socket": 1 });
    await node.put("lamp", { "log.level": "fatal", "lamp.brightness": 2 });
    await eventually(() => node.lamp.brightness === 2);
    say("of-all");
    LiveLevels.of(node.broker).force("warn");
    say("forced");
    await node.put("application", { "log.level": "trace", "lamp.socket": 1 });
    await node.put("lamp", { "log.level": "trace", "lamp.brightness": 3 });
    await eventually(() => node.lamp.brightness === 3);
    say("forced-still");
  },
};

async function run(): Promise<void> {
  const {
    DATA_DIR = "",
    LOG_LEVEL = "fatal",
    STORY = "change",
    NAMESPACE,
    NATS_URL = "",
    MONGO_URL = "",
  } = process.env;
  const cluster = new Cluster(NAMESPACE);
  const settings = { DATA_DIR, LOG_LEVEL, LOG_FORMAT: "json", NATS_URL, MONGO_URL };
  await stories[STORY]?.(await cluster.one(settings));
  await cluster.end();
}

run().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
