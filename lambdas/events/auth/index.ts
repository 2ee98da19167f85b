import { authLogin } from "./auth-login.ts";
import { authLogout } from "./auth-logout.ts";
import { authSessionUpdate } from "./auth-session-update.ts";

/** Users of a project coming, going and changing their session. */
export const authEvents = [authLogin, authLogout, authSessionUpdate] as const;
