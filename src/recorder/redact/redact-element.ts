/** Owns secrets in elements of XML (G7): `<password>value</password>`. */
import { mayEndSecretName, secretName } from './redact-name.ts';
import { addSpan, type Subject } from './redact-subject.ts';
import { isSecretValue, QUOTED_PLACE } from './redact-value.ts';

const NAME = /([\w.-]{2,64})\s{0,4}>/y;
const MAX_TAG_CHARS = 256;

/** Looks at the `</` at `at`: does it close the element of a secret? */
export const findInElement = (subject: Subject, at: number): void => {
  const { text } = subject;
  NAME.lastIndex = at + 2;
  const word = NAME.exec(text)?.[1];
  const name = word === undefined || !mayEndSecretName(word, word.length) ? undefined : secretName(word);
  if (word === undefined || name === undefined) return;
  const start = text.lastIndexOf('>', at) + 1;
  const tag = text.slice(Math.max(0, start - MAX_TAG_CHARS), start);
  if (!tag.slice(tag.lastIndexOf('<') + 1).startsWith(word)) return;
  const place = { ...QUOTED_PLACE, style: 'env' } as const;
  if (!isSecretValue(text.slice(start, at), name, place)) return;
  addSpan(subject, { start, end: at, kind: name.kind, isForm: false });
};
