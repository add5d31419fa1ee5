/* Lists of tokens for each batch and head: the one of the head at hand, which groups of heads may share. */
#ifndef TSR_FLOW_ORDER_H
#define TSR_FLOW_ORDER_H

#define HEAD_LIST(name) PADD(name, (I64(b) * PRM(name##_sb) + I64(h / PRM(name##_group)) * PRM(name##_sh)) * I64(4))

#endif
