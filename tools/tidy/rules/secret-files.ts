import type { Rule } from '../rule.ts';
import { isTestData } from '../text-files.ts';

const secretNames = /(^|\/)(\.env(\..+)?|id_(rsa|ed25519|ecdsa)|.+\.(pem|key|p12|pfx|jks|kdbx))$/;

/** No file whose name says that it keeps a secret. */
export const secretFilesRule: Rule = {
  name: 'secret-files',
  why: 'what was pushed once is known for ever',
  check(repository) {
    return repository.paths
      .filter((path) => secretNames.test(path) && !isTestData(path))
      .map((path) => ({ path, message: 'keys and passwords are not tracked: make them when they are needed.' }));
  },
};
