import { Metrics } from "../../lib/metrics";
import { RateLimits } from "../../services/api/rate-limits";

it("counts all addresses of an IPv6 household as one, however they are written", async () => {
  const limits = new RateLimits(undefined, "test", true, new Metrics());
  const write = (address: string) => limits.admit({}, "POST", undefined, address);
  for (let i = 1; i <= 120; i++) await write(`2001:db8::${i.toString(16)}`);
  await expect(write("2001:db8:0:0:9::1")).rejects.toMatchObject({ code: 429 });
  await expect(write("2001:db8:0:1::1")).resolves.toBeUndefined();
});
