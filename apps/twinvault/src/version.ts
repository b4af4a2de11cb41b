/** Equal to the version in package.json; a test holds them equal, so that starting reads one file less. */
export const version = '0.1.0';
