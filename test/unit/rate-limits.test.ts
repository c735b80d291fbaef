import { Metrics } from "../../lib/metrics";
import { RateLimits } from "../../services/api/rate-limits";

it("counts all addresses of an IPv6 household as one, however they are written", async () => {
  const limits = new RateLimits(undefined, "test", true, new Metrics(), { reads: 600, writes: 120 });
  const write = (address: string) => limits.admit({}, "POST", undefined, address);
  for (let i = 1; i <= 120; i++) await write(`2001:db8::${i.toString(16)}`);
  await expect(write("2001:db8:0:0:9::1")).rejects.toMatchObject({ code: 429 });
  await expect(write("2001:db8:0:1::1")).resolves.toBeUndefined();
});

it("follows the configuration from one request to the next", async () => {
  const settings = { reads: 600, writes: 2 };
  const limits = new RateLimits(undefined, "test", true, new Metrics(), settings);
  const write = () => limits.admit({}, "POST", undefined, "192.0.2.1");
  for (let i = 0; i < 2; i++) await write();
  await expect(write()).rejects.toMatchObject({ code: 429 });
  settings.writes = 5;
  await expect(write()).resolves.toBeUndefined();
  settings.writes = 1;
  await expect(write()).rejects.toMatchObject({ code: 429 });
});
