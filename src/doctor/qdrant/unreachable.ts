/** Owns what is said of a Qdrant that cannot be used, and what helps: by the reason that the link gives. Pure. */
import { type Finding, wrong } from '../finding.ts';

interface Reason {
  readonly pattern: RegExp;
  /** Stable end of the finding's id. */
  readonly id: string;
  readonly remedy: string;
}

const MEANWHILE = 'Nothing is lost meanwhile: the bus has it all, and answers.';

const REASONS: readonly Reason[] = [
  {
    pattern: /refuses the key/,
    id: 'key',
    remedy: 'Set NIKA_QDRANT_API_KEY in the environment to the key that it asks for, with the right to write.',
  },
  {
    pattern: /ECONNREFUSED/,
    id: 'reach',
    remedy: `Start it, or correct qdrant.url or NIKA_QDRANT_URL. ${MEANWHILE}`,
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    id: 'reach',
    remedy: 'Correct the host in qdrant.url or NIKA_QDRANT_URL, or see why its name cannot be resolved.',
  },
  {
    pattern: /certificate|self.signed|SSL|TLS|wrong version number/i,
    id: 'tls',
    remedy: 'See whether it speaks TLS on that port (https://). NODE_EXTRA_CA_CERTS names a file with your own CA.',
  },
  {
    pattern: /is no Qdrant/,
    id: 'protocol',
    remedy: 'Something else listens on that port: correct qdrant.url or NIKA_QDRANT_URL. Its port for HTTP is 6333.',
  },
  {
    pattern: /disk is full/,
    id: 'disk',
    remedy: `Make room on the disk of Qdrant; it takes points again by itself. ${MEANWHILE}`,
  },
  { pattern: /with an error|asked too much/, id: 'error', remedy: `See the log of Qdrant. ${MEANWHILE}` },
];

const HANGS: Omit<Reason, 'pattern'> = {
  id: 'reach',
  remedy: `See whether it hangs (curl its /readyz), or a firewall swallows what is sent to it. ${MEANWHILE}`,
};

const LOOPBACK = /^https?:\/\/(?:127\.|localhost:|\[::1\])/;

/** `why`: as the link tells it. */
export const unreachable = (where: string, why: string): Finding => {
  const { id, remedy } = REASONS.find(({ pattern }) => pattern.test(why)) ?? HANGS;
  const isNobodyHere = /ECONNREFUSED/.test(why) && LOOPBACK.test(where);
  const hint = isNobodyHere ? ' One of its own for this home: unset them, then "nika up --qdrant".' : '';
  return wrong(`qdrant.${id}`, `${where} cannot be used: ${why}`, `${remedy}${hint}`);
};
