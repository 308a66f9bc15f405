/** The version of this installation: package.json's, put into the bundle when it is built. */
import manifest from "../../package.json" with { type: "json" };

export const version: string = manifest.version;
