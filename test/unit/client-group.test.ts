import { clientGroup } from "../../lib/client-group";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["2001:db8::2:3:4:5:6", "2001:db8:0:2"],
  ["::1", "0:0:0:0"],
  ["", ""],
])("%s belongs to %s", (address, group) => {
  expect(clientGroup(address)).toBe(group);
});
