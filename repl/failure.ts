import { errorType } from "../lib/errors";

/** Something that whoever typed it can put right; its message says how. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

interface Told {
  message?: unknown;
  data?: { errors?: { path: string; message: string }[]; action?: string; nodeID?: string };
}

const serviceOf = (action = ""): string => action.split(".", 1)[0] ?? "";

/** What went wrong in one sentence, with what can be done about it. */
export function told(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, data } = error as Told;
  const service = serviceOf(data?.action);
  switch (errorType(error)) {
    case "SERVICE_NOT_FOUND":
    case "SERVICE_NOT_AVAILABLE":
      return data?.nodeID
        ? `Node ${data.nodeID} does not offer ${data.action}: overview shows which nodes there are.`
        : `No node that takes work hosts ${service}: overview shows what is missing. Start one and try again.`;
    case "REQUEST_TIMEOUT":
      return `${data?.action} gave no answer in time. Whether it was done is not known: look, then try again.`;
    case "VALIDATION": {
      const errors = (data?.errors ?? []).map((one) => `${one.path || "the request"} ${one.message}`);
      return errors.length > 0 ? `Not accepted: ${errors.join("; ")}.` : String(message);
    }
    default:
      return String(message);
  }
}
