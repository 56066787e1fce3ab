/** Owns what an artifact of a working memory is: a value with its name, type, hash and version, and its bounds. */
import { createHash } from 'node:crypto';
import { NikaError } from '../../model/error.ts';
import { ARTIFACT_MAX_COUNT } from '../../model/artifact.ts';
import { type KeyPart, parseKeyPart } from '../../redis/keys.ts';

export interface ArtifactHead {
  readonly artifact: KeyPart;
  readonly contentType: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Who put it; empty: nobody who is a session. */
  readonly session: string;
  /** Milliseconds; of two versions the later stands. */
  readonly ts: number;
}

export interface Artifact extends ArtifactHead {
  readonly value: Buffer;
}

/** What is known of a name: a version, or that it was deleted. */
export type ArtifactVersion = { readonly head: ArtifactHead; readonly isDeleted: boolean };

/** What must hold for a put: nothing is there, or what has this hash. */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'sha256'; readonly sha256: string };

export interface PutWish {
  readonly artifact: KeyPart;
  readonly value: Buffer;
  readonly contentType: string;
  readonly session: string;
  readonly condition?: PutCondition | undefined;
}

const TYPE = /^[\x20-\x7e]{1,200}$/;

export const parseContentType = (text: string): string => {
  if (TYPE.test(text)) return text;
  throw new NikaError('NIKA_WM_BAD', `"${text.slice(0, 60)}" is no content type such as text/plain`);
};

/** @throws {NikaError} `NIKA_WM_BAD_NAME` */
export const parseArtifactName = (text: string): KeyPart => {
  try {
    return parseKeyPart(text);
  } catch (cause) {
    const shown = text.slice(0, 120);
    throw new NikaError('NIKA_WM_BAD_NAME', `"${shown}" is no name of an artifact`, { subject: shown, cause });
  }
};

export const headOf = ({ artifact, value, contentType, session }: PutWish, ts: number): ArtifactHead => ({
  artifact,
  contentType,
  bytes: value.length,
  sha256: createHash('sha256').update(value).digest('hex'),
  session,
  ts,
});

export const whyFull = (job: string): string => `${job} has ${ARTIFACT_MAX_COUNT} artifacts, and may have no more`;
