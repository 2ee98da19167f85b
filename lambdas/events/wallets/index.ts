import { walletSubscribeAddress } from "./wallet-subscribe-address.ts";
import { walletSubscribeChain } from "./wallet-subscribe-chain.ts";
import { walletSubscribeCurrency } from "./wallet-subscribe-currency.ts";
import { walletSubscribeProject } from "./wallet-subscribe-project.ts";
import { walletUnsubscribeAddress } from "./wallet-unsubscribe-address.ts";
import { walletUnsubscribeProject } from "./wallet-unsubscribe-project.ts";

/** Subscriptions to balances and transactions of wallets. */
export const wallets = [
  walletSubscribeAddress,
  walletSubscribeProject,
  walletSubscribeChain,
  walletSubscribeCurrency,
  walletUnsubscribeAddress,
  walletUnsubscribeProject,
] as const;
