import { survivesPolling } from "./polling-every-call.ts";

survivesPolling("dies before", "dies after");
