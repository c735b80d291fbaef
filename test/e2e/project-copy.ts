import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchNode, type NodePorts, type ShopNode } from "../../lib/infra/nodes";
import { entryCommand } from "../../lib/infra/processes";
import { projectRoot } from "../../lib/infra/programs";

const CODE = ["services", "lib", "mixins", "repl", "bin", "config", "moleculer.config.ts"];
const SETTINGS = ["package.json", "tsconfig.json"];

interface DevOptions {
  ports: NodePorts;
  env: Record<string, string>;
  /** What stands behind `npm run dev --`. */
  args?: string[];
}

/** The project in a folder of its own, for tests that edit code while it runs. */
export class ProjectCopy {
  readonly root = mkdtempSync(join(tmpdir(), "shop-dev-"));

  constructor() {
    for (const part of [...CODE, ...SETTINGS])
      cpSync(join(projectRoot(), part), join(this.root, part), { recursive: true });
    symlinkSync(join(projectRoot(), "node_modules"), join(this.root, "node_modules"));
  }

  /** What `npm run dev` starts. */
  dev({ ports, env, args = [] }: DevOptions): ShopNode {
    const { command, args: entry } = entryCommand(join(this.root, "bin/dev.ts"));
    const settings = { DATA_DIR: join(this.root, "data"), RATE_LIMIT: "off", LOG_LEVEL: "error" };
    return launchNode({
      name: "dev",
      cwd: this.root,
      command: { command, args: [...entry, ...args] },
      ports,
      env: { ...settings, ...env },
    });
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), "utf8");
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.root, file), text);
  }

  append(file: string, text: string): void {
    appendFileSync(join(this.root, file), text);
  }

  edit(file: string, from: string, to: string): void {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
    this.write(file, text.replaceAll(from, to));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
