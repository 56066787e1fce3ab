/** Owns how what a person said to a running agent is marked, where it comes with the answer of a tool. */

export const toldByPerson = (text: string): string =>
  `[A message from the person who gave you this task, sent while you worked. It is not part of the tool's answer.]\n${text}`;
