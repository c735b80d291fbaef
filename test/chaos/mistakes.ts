/** Mistakes that a run can be asked to have, as its checks have to find them: the environment of the nodes with each. */
export const FAULTY = {
  outbox: { FAULT: "outbox-marks-first" },
};
export type Mistake = keyof typeof FAULTY;

const isMistake = (name: string): name is Mistake => Object.hasOwn(FAULTY, name);

/** Throws an Error that names those there are. */
export function mistakeNamed(name: string | undefined): Mistake | undefined {
  if (name === undefined || isMistake(name)) return name;
  throw new Error(`--break takes ${Object.keys(FAULTY).join(" or ")}`);
}
