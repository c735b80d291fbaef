import type { ServerStatus, Servers } from "../infra";
import { projectRoot, run } from "./programs";
import { optionalServerNames, recipeOf, type ServerName, serverNames } from "./recipes";

/** Whether a Docker engine answers and Compose is there. */
export async function composeAnswers(): Promise<boolean> {
  const answered = await Promise.all([
    run("docker", ["info", "--format", "{{.ServerVersion}}"], { ms: 10_000 }),
    run("docker", ["compose", "version"], { ms: 10_000 }),
  ]);
  return answered.every(({ ok }) => ok);
}

/** The same set as containers, by the services of the same names in docker-compose.yml. */
export function composeServers(): Servers {
  const given = process.env;
  const compose = async (...args: string[]) => {
    const ran = await run("docker", ["compose", ...args], { cwd: projectRoot() });
    if (!ran.ok) throw new Error(`docker compose ${args.join(" ")}: ${ran.stderr.trim()}`);
    return ran.stdout;
  };
  const each = async (args: string[], chosen: readonly ServerName[], states?: readonly ServerStatus["state"][]) => {
    const names = chosen.length > 0 ? chosen : (await status()).map(({ name }) => name);
    let mine = names.filter((name) => !given[recipeOf(name).variable]);
    // Compose calls it an error to pause what is paused or to kill what does not run.
    if (states) {
      const now = await status();
      mine = mine.filter((name) => now.some((one) => one.name === name && states.includes(one.state)));
    }
    if (mine.length > 0) await compose(...args, ...mine);
  };
  const status = async (): Promise<ServerStatus[]> => {
    const states = parseStates(await compose("ps", "--all", "--format", "json"));
    const started = optionalServerNames.filter((name) => ["running", "paused"].includes(states.get(name) ?? ""));
    return [...serverNames, ...started].map((name) => {
      const { variable, composeUrl } = recipeOf(name);
      const address = given[variable];
      if (address) return { name, state: "given", kind: `by ${variable}`, url: address };
      const state = states.get(name);
      const known = state === "running" || state === "paused" ? state : "stopped";
      return { name, state: known, kind: "docker compose", url: composeUrl };
    });
  };

  return {
    names: serverNames,
    start: async (...chosen) => {
      await each(["unpause"], chosen, ["paused"]);
      await each(["up", "--detach", "--wait"], chosen);
    },
    stop: async (...chosen) => {
      await each(["unpause"], chosen, ["paused"]);
      await each(["stop"], chosen);
    },
    kill: (...chosen) => each(["kill"], chosen, ["running", "paused"]),
    pause: (...chosen) => each(["pause"], chosen, ["running"]),
    resume: (...chosen) => each(["unpause"], chosen, ["paused"]),
    status,
    env: async () => Object.fromEntries((await status()).map(({ name, url }) => [recipeOf(name).variable, url])),
  };
}

/** Older Compose prints one array, newer one object a line. */
function parseStates(json: string): Map<string, string> {
  const text = json.trim();
  const rows: { Service: string; State: string }[] = text.startsWith("[")
    ? JSON.parse(text)
    : text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
  return new Map(rows.map(({ Service, State }) => [Service, State]));
}
