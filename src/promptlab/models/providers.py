"""The providers known by name: where each one is, which transport speaks to it, which variables move it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `api_base` is its address ("" where the transport knows it, or there is none).

    `also` are further addresses of its own (other regions) with the same list prices. `base_variables`
    name environment variables with another address; `<NAME>_BASE_URL` and `<NAME>_API_BASE` are always
    asked. `local_server` providers run on one's own machines: no key is needed, no list price applies.
    `base_suffix` is added to an address without a path.
    """

    name: str
    api_base: str = ""
    transport: str = "openai_chat"
    also: tuple[str, ...] = ()
    base_variables: tuple[str, ...] = ()
    local_server: bool = False
    base_suffix: str = ""

    def bases(self) -> tuple[str, ...]:
        """Its own addresses, those of other regions included."""
        return tuple(base for base in (self.api_base, *self.also) if base)

    def variables(self) -> tuple[str, ...]:
        """The variables that may hold its address, in the order they are asked."""
        stem = self.name.upper().replace("-", "_")
        return tuple(dict.fromkeys((f"{stem}_BASE_URL", f"{stem}_API_BASE", *self.base_variables)))


_OPENAI_CHAT = (
    Provider("openai", "https://api.openai.com/v1"),
    Provider("openai_like"),
    Provider("openrouter", "https://openrouter.ai/api/v1"),
    Provider("deepseek", "https://api.deepseek.com/v1", also=("https://api.deepseek.com",)),
    Provider(
        "dashscope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        also=("https://dashscope-intl.aliyuncs.com/compatible-mode/v1",),
    ),
    Provider("moonshot", "https://api.moonshot.cn/v1", also=("https://api.moonshot.ai/v1",)),
    Provider("zhipu", "https://open.bigmodel.cn/api/paas/v4", base_variables=("ZHIPUAI_BASE_URL",)),
    Provider("zai", "https://api.z.ai/api/paas/v4"),
    Provider("siliconflow", "https://api.siliconflow.cn/v1", also=("https://api.siliconflow.com/v1",)),
    Provider("volcengine", "https://ark.cn-beijing.volces.com/api/v3", base_variables=("ARK_BASE_URL",)),
    Provider("minimax", "https://api.minimaxi.com/v1", also=("https://api.minimax.io/v1",)),
    Provider("groq", "https://api.groq.com/openai/v1"),
    Provider("together_ai", "https://api.together.xyz/v1", base_variables=("TOGETHER_BASE_URL",)),
    Provider("mistral", "https://api.mistral.ai/v1"),
    Provider("xai", "https://api.x.ai/v1"),
    Provider("fireworks_ai", "https://api.fireworks.ai/inference/v1"),
    Provider("nvidia_nim", "https://integrate.api.nvidia.com/v1"),
    Provider("perplexity", "https://api.perplexity.ai"),
    Provider("hosted_vllm", "http://127.0.0.1:8000/v1", base_variables=("VLLM_BASE_URL",), local_server=True),
    Provider("sglang", "http://127.0.0.1:30000/v1", local_server=True),
    Provider(
        "ollama",
        "http://127.0.0.1:11434/v1",
        base_variables=("OLLAMA_HOST",),
        local_server=True,
        base_suffix="/v1",
    ),
    Provider("lm_studio", "http://127.0.0.1:1234/v1", local_server=True, base_suffix="/v1"),
    Provider("llama_cpp", "http://127.0.0.1:8080/v1", local_server=True, base_suffix="/v1"),
)

# Served by litellm, which knows their addresses and, where no variable is named in `keys`, their credentials.
_LITELLM = (
    "ai21",
    "anthropic",
    "azure",
    "azure_ai",
    "baseten",
    "bedrock",
    "cerebras",
    "cloudflare",
    "codestral",
    "cohere",
    "cohere_chat",
    "databricks",
    "deepinfra",
    "featherless_ai",
    "friendliai",
    "gemini",
    "github",
    "huggingface",
    "hyperbolic",
    "lambda_ai",
    "meta_llama",
    "modelscope",
    "nebius",
    "novita",
    "oci",
    "poe",
    "replicate",
    "sagemaker",
    "sagemaker_chat",
    "sambanova",
    "snowflake",
    "vertex_ai",
    "watsonx",
    "xinference",
)

_ALIASES = {
    "bigmodel": "zhipu",
    "custom_openai": "openai_like",
    "gemini_ai": "gemini",
    "llamacpp": "llama_cpp",
    "llamafile": "llama_cpp",
    "lmstudio": "lm_studio",
    "ollama_chat": "ollama",
    "qwen": "dashscope",
    "together": "together_ai",
    "vllm": "hosted_vllm",
    "zhipuai": "zhipu",
}

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in _OPENAI_CHAT}
PROVIDERS |= {name: Provider(name, transport="litellm") for name in _LITELLM}
PROVIDERS |= {alias: PROVIDERS[name] for alias, name in _ALIASES.items()}

# The first words of a model's name that give its provider away where the id has none.
FAMILIES: dict[str, str] = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude-": "anthropic",
    "gemini-": "gemini",
    "deepseek-": "deepseek",
    "qwen": "dashscope",
    "qwq": "dashscope",
    "kimi": "moonshot",
    "moonshot-": "moonshot",
    "glm-": "zhipu",
    "mistral-": "mistral",
    "command": "cohere",
    "grok": "xai",
    "smollm2": "local",
}
