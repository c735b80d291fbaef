/** An event as a stream's client hears it. */
export interface Heard {
  id: string;
  event: string;
  data: Record<string, unknown>;
}
export interface Listening {
  events: Heard[];
  closed: boolean;
  close: () => void;
}

const streams: Listening[] = [];
afterAll(() => {
  for (const { close } of streams) close();
});

/** Opens a stream at a gateway and keeps what it tells; throws with the answer where that is no stream. */
export async function listen(
  { url }: { url: string },
  query: string,
  headers: Record<string, string> = {},
): Promise<Listening> {
  const aborting = new AbortController();
  const response = await fetch(`${url}/api/v1/stream${query}`, { headers, signal: aborting.signal });
  if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const listening: Listening = { events: [], closed: false, close: () => aborting.abort() };
  streams.push(listening);
  void read(response.body as unknown as AsyncIterable<Uint8Array>, listening.events)
    .catch(() => undefined)
    .finally(() => {
      listening.closed = true;
    });
  return listening;
}

async function read(body: AsyncIterable<Uint8Array>, events: Heard[]): Promise<void> {
  let text = "";
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      const fields = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
      );
      text = text.slice(end + 2);
      if (fields.event) events.push({ id: fields.id ?? "", event: fields.event, data: JSON.parse(fields.data ?? "") });
    }
  }
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
export const names = ({ events }: Listening): string[] => events.map(({ event }) => event);
export const seqs = ({ events }: Listening): number[] =>
  events.flatMap(({ event, data }) => (event === "chat.message" ? (data.message as { seq: number }).seq : []));
