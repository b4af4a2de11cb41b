/* What runs in a thread of PackVerifiers: one pass over the bytes of each pack that it is sent. */

import { certificateId, FormatError, packName, safeId, verifyPackTable } from '@twinvault/format';
import type { ThreadMain } from '@twinvault/std';
import type { VerifyAnswer, VerifyRequest } from './pack-verifiers.ts';

export const main: ThreadMain = (port) => {
  port.onMessage((message) => {
    const request = message as VerifyRequest;
    const { id, bytes } = request;
    const answer: VerifyAnswer = { id, bytes, refusal: refusalOf(request) };
    port.post({ value: answer, transfer: [bytes.buffer] });
  });
};

function refusalOf({ name, bytes, safe, certificate, minimumSuite }: VerifyRequest): VerifyAnswer['refusal'] {
  try {
    const expected = { safe: safeId(safe), certificate: certificateId(certificate), minimumSuite };
    verifyPackTable(packName(name), bytes, expected);
    return null;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { code: error.code, context: error.context };
  }
}
