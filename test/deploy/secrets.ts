import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Declaration } from "../../lib/config/declaration";
import { serviceNames } from "../../lib/hosting";
import { projectRoot } from "../../lib/infra/programs";

/** Whether a service declares configuration that is secret, which its nodes decrypt themselves. */
function hasSecretSettings(service: string): boolean {
  const file = join(projectRoot(), "services", service, `${service}.config.ts`);
  const declarations: Declaration[] = existsSync(file) ? Object.values(require(file)) : [];
  return declarations.some(({ keys }) => Object.values(keys ?? {}).some(({ secret }) => secret));
}

/** The services that get `CONFIG_KEYS`. */
export const withConfigKeys = (): string[] =>
  serviceNames().filter((service) => service === "config" || hasSecretSettings(service));
